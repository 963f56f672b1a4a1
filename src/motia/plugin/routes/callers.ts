import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** Who sent a request: Motia hands a route its headers, but not the connection it came on. */
export interface Callers {
  /** The address at the other end, by the very object that holds the request's headers. */
  addressOf(headers: object): string | undefined
  close(): void
}

const CHANNEL = 'http.server.request.start'

/** Remembers the addresses of requests whose path begins so, for as long as their headers live. */
export const watchCallers = (path: string): Callers => {
  const addresses = new WeakMap<IncomingHttpHeaders, string>()
  const onRequest = (message: unknown): void => {
    const { request } = message as { request: IncomingMessage }
    const { remoteAddress } = request.socket
    if (request.url?.startsWith(path) && remoteAddress !== undefined) addresses.set(request.headers, remoteAddress)
  }
  subscribe(CHANNEL, onRequest)
  return {
    addressOf: (headers) => addresses.get(headers as IncomingHttpHeaders),
    close: () => void unsubscribe(CHANNEL, onRequest),
  }
}
