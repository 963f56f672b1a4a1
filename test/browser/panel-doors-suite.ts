import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FOREIGN, type Scene } from './panel-scene.ts'

const script = readFileSync(new URL('../fixtures/elsewhere/attack.js', import.meta.url), 'utf8')

export const describeDoors = (scene: () => Scene): void => {
  describe('Pages of others', () => {
    let server: Server
    let port = 0
    beforeAll(async () => {
      server = createServer((_, response) => {
        response.setHeader('Content-Type', 'text/html')
        response.end(`<!doctype html><title>elsewhere</title><body><script>${script}</script></body>`)
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const address = server.address()
      if (address !== null && typeof address === 'object') port = address.port
    })
    afterAll(() => void server.close())

    for (const host of ['127.0.0.1', FOREIGN])
      it(`a page of another origin (${host}) reads nothing and changes nothing`, async () => {
        const { app, browser, onSecondary } = scene()
        const page = await browser.page.context().newPage()
        try {
          await page.goto(`http://${host}:${port}/`)
          const seen = await page.evaluate<string>(`attack(${JSON.stringify(app.url)})`)
          expect(seen).not.toMatch(/ 200 |processId|password|"instances"|motia_redis_|script: loaded/)
          expect(seen).toContain('form: sent')
          expect(await onSecondary.exists('user:ada')).toBe(1)
        } finally {
          await page.close()
        }
      })

    it("a foreign name that leads to this machine opens nothing, not even to a page of the server's own", async () => {
      const { app, browser, onSecondary } = scene()
      const page = await browser.page.context().newPage()
      try {
        const own = `http://${FOREIGN}:${app.port}`
        const opened = await page.goto(`${own}/__motia/redis/overview`)
        expect(opened?.status()).toBe(403)
        // From that page, which has the same origin as what it asks for.
        await page.evaluate(script)
        const seen = await page.evaluate<string>(`attack(${JSON.stringify(own)})`)
        expect(seen).toMatch(/^read: basic 403 /m)
        expect(seen).toMatch(/^change: basic 403 /m)
        expect(seen).not.toMatch(/ 200 |processId|password|"instances"|motia_redis_/)
        expect(await onSecondary.exists('user:ada')).toBe(1)
      } finally {
        await page.close()
      }
    })
  })
}
