import { afterEach, expect, it, vi } from 'vitest'
import { patient } from '../../support/patience.ts'
import { type Ground, name, openGround, valueIn, write } from './kept-ground.ts'

const grounds: Ground[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const ground of grounds.splice(0)) {
    ground.a.thaw()
    await ground.close()
  }
})

it.each([1, 3])('what home used up of a call for %i keys is not given to it a second time', async (many) => {
  const ground = await openGround()
  grounds.push(ground)
  const shelf = ground.shelf()
  const names = Array.from({ length: many }, (_, i) => name(`k${i}`))
  await shelf.write(names.map(({ key }) => write(key, `of ${key}`)))
  const asked = { home: vi.spyOn(ground.home, 'read'), mirror: vi.spyOn(ground.mirror, 'read') }

  ground.a.freeze()
  const texts = many === 1 ? [await shelf.read(names[0] ?? name('k0'))] : await shelf.readMany(names)

  expect(texts.map((text) => text && valueIn(text))).toEqual(names.map(({ key }) => `of ${key}`))
  expect(asked.home).toHaveBeenCalledTimes(many === 1 ? 1 : 0)
  expect(asked.mirror).toHaveBeenCalledTimes(many)
  for (const [, options] of asked.mirror.mock.calls) {
    // A third of it at most: the rest went by while home was asked.
    expect(options?.timeout).toBeGreaterThan(0)
    expect(options?.timeout).toBeLessThan(patient.read)
  }
})
