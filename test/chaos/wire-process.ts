import { startTcpProxy } from '../support/tcp-proxy.ts'
import type { FromWire, ToWire } from './far-wire.ts'

/** The process of one wire, to the port in its argument. It ends with whoever started it. */
const wire = await startTcpProxy(Number(process.argv[2]))
const answer: FromWire = { url: wire.url }
process.on('message', (what: ToWire) => {
  if ('mode' in what) wire.mode(what.mode)
  else wire.retarget(what.retarget)
  process.send?.(answer)
})
process.once('disconnect', () => process.exit())
process.send?.(answer)
