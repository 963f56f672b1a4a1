import { describe, expect, it } from 'vitest'
import { ask, login, probe } from '../support/http.ts'
import { describeOutages, type Name } from './outage-scene.ts'

describeOutages((scene) => {
  describe('both', () => {
    it.each(['crash', 'freeze'] as const)('%s, meanwhile and return', async (how) => {
      const { app, session, visit, stepAround, fail, heal, placeOrder, confirmed } = scene()
      const names: Name[] = ['primary', 'secondary']
      const before = await placeOrder()
      const outcome = await stepAround(`both-${how}`, async () => {
        await Promise.all(names.map((name) => fail(name, how)))
        // Cached data is computed or loaded anew, and what is begun now goes on from the journal.
        expect((await ask(app, 'GET /menu')).status).toBe(200)
        expect((await ask(app, 'GET /users/ada')).status).toBe(200)
        const anew = await login(app, 'bob')
        expect((await ask(app, 'GET /auth/session', { session: anew })).status).toBe(200)
        const meanwhile = await placeOrder(anew)
        await confirmed(meanwhile, anew)
        // What was kept before is known, or it is said that it can't be: never that there is none.
        const old = await ask(app, 'GET /auth/session', { session })
        expect([200, 503]).toContain(old.status)

        await Promise.all(names.map((name) => heal(name)))
        await confirmed(meanwhile, anew)
      })
      expect(outcome).toMatchObject({ status: 200, body: { begun: { by: 'long' }, ended: true } })
      await visit()
      await confirmed(before)
    })
  })

  it('the primary comes back empty: sessions, state and orders are there again', async () => {
    const { app, session, fail, heal, placeOrder, confirmed } = scene()
    const id = await placeOrder()
    await confirmed(id)
    await probe(app, 'state', 'set', 'before', 'k', 'kept')
    await fail('primary', 'crash')
    await heal('primary', ['--appendonly', 'no'])
    expect((await ask(app, 'GET /auth/session', { session })).status).toBe(200)
    expect(await probe(app, 'state', 'get', 'before', 'k')).toMatchObject({ value: 'kept' })
    await confirmed(id)
  })
})
