import { createServer } from 'node:net'

/**
 * Below what systems hand out for connections that go out (from 32,768, or 49,152), so that none of those takes the port
 * of a server that is down for a moment. One after the other: a process doesn't get a port twice.
 */
const [FIRST, COUNT] = [12_000, 20_000]
let next = Math.floor(Math.random() * COUNT)

/** A port of 127.0.0.1 on which nobody listens now; somebody else may take it at any time. */
export const freePort = async (): Promise<number> => {
  for (let tried = 0; tried < COUNT; tried++) {
    const port = FIRST + (next++ % COUNT)
    if (await isFree(port)) return port
  }
  throw new Error(`none of the ports ${FIRST} to ${FIRST + COUNT - 1} of 127.0.0.1 is free`)
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
