import { urlVariable } from '../settings/names.js'
import type { StoreErrorKind } from './store.js'

/** What went wrong, in our words: nothing of the original text, because it may hold arguments, users or addresses. */
export interface Fault {
  readonly kind: StoreErrorKind
  /** Follows "<instance>: ". Says "its URL" where `textFor` names the variable. */
  readonly text: string
  /**
   * What it says about the instance. down: it can't serve. writes: it refuses writes. call: the caller's own fault,
   * which says nothing about the instance.
   */
  readonly about: 'down' | 'writes' | 'call'
  /** The command certainly had no effect: it was refused, or never left this process. */
  readonly harmless: boolean
  /** Only a change of configuration can mend it, so asking often is useless. */
  readonly slow?: boolean
  /** The first word of a Redis error ('WRONGTYPE'), for callers that treat one specially. */
  readonly code?: string
}

/** A fault that was recognised where more was known about the call. */
export class FaultError extends Error {
  constructor(readonly fault: Fault) {
    super(fault.text)
  }
}

/** A fault's text for one instance: whoever reads it looks for the variable in which the address was given. */
export const textFor = (instance: string, { text }: Fault): string => text.replace('its URL', urlVariable(instance))

/** Turns whatever ioredis, Node or the server came up with into a Fault. Never pass the original on: it carries arguments. */
export const faultOf = (error: unknown): Fault => {
  if (error instanceof FaultError) return error.fault
  if (!(error instanceof Error)) return connectionLost
  if (error.name === 'ReplyError') return replyFault(error.message)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return socketFaults[code] ?? tlsFault(code) ?? clientFault(error.message)
}

const refused = (text: string): Fault => ({ kind: 'refused', text, about: 'call', harmless: true })
const down = (text: string): Fault => ({ kind: 'unavailable', text, about: 'down', harmless: true })
const lost = (text: string): Fault => ({ kind: 'unavailable', text, about: 'down', harmless: false })
const configuration = (text: string): Fault => ({
  kind: 'configuration',
  text,
  about: 'down',
  harmless: true,
  slow: true,
})

/** Closed, with no cause to be had. */
export const connectionLost = lost('lost the connection')

const notRedis = lost('it answered with something that is not Redis')

/** The one fault in which ioredis promises that nothing left this process. */
export const notSent = down('not connected')

const unwritable = (kind: 'full' | 'read-only', text: string): Fault => ({
  kind,
  text,
  about: 'writes',
  harmless: true,
})

const replyFaults: Record<string, Fault> = {
  NOAUTH: configuration('it wants a password, and its URL has none'),
  WRONGPASS: configuration('wrong user or password in its URL'),
  NOPERM: refused('its user has no right to this command or this key'),
  LOADING: down('still loading its data'),
  BUSY: down('busy with a script'),
  MASTERDOWN: down('a replica that has lost its primary'),
  CLUSTERDOWN: down('a cluster that is down'),
  TRYAGAIN: down('a cluster that is moving keys'),
  OOM: unwritable('full', 'out of memory: its maxmemory is reached and nothing may be evicted'),
  READONLY: unwritable('read-only', 'a read-only replica'),
  NOREPLICAS: unwritable('read-only', 'it has fewer replicas than min-replicas-to-write'),
  MISCONF: unwritable('read-only', "it can't save to its disk, and refuses writes until it can"),
  WRONGTYPE: refused('another type of data lies at this key'),
  NOSCRIPT: refused('it lost a script'),
  CROSSSLOT: refused('it refuses one command over several slots'),
  MOVED: configuration("it is a node of a Redis Cluster, which isn't supported yet"),
  NOTANUMBER: { ...refused('the stored value is not an integer'), kind: 'not-a-number' },
  OUTOFRANGE: { ...refused('the result would not be a safe integer'), kind: 'out-of-range' },
  TOOLARGE: { ...refused('the group has reached its limit of items'), kind: 'too-large' },
}

const replyFault = (message: string): Fault => {
  const code = /^[A-Z]+/.exec(message)?.[0] ?? ''
  const known = replyFaults[code]
  if (known !== undefined) return { ...known, code }
  if (/max(imum)? number of clients/i.test(message))
    return { ...down('it has no free connection (maxclients)'), slow: true }
  if (/invalid (bulk|multibulk) length|bulk count|mbulk/i.test(message)) {
    return { ...refused('the value is larger than this server accepts (proto-max-bulk-len)'), kind: 'too-large' }
  }
  if (/db index is out of range/i.test(message)) return configuration('it has no database of the number in its URL')
  if (/password is set|without any password/i.test(message)) {
    return configuration('its URL has a password, and the server has none')
  }
  // A script that hits an error of the server inside redis.call may carry its code further back.
  const inner = /\b(OOM|READONLY|NOREPLICAS|MISCONF|WRONGTYPE|NOPERM|MASTERDOWN)\b/.exec(message)?.[1]
  if (inner !== undefined) return replyFault(inner)
  if (/unknown command/i.test(message)) return refused('it does not know this command (Redis 6.0 or newer is needed)')
  // Every error of a Redis begins with a code.
  return code === '' ? notRedis : { ...refused(`it refused the command (${code})`), code }
}

const socketFaults: Record<string, Fault> = {
  ECONNREFUSED: down('connection refused at the address in its URL'),
  EHOSTUNREACH: lost('no route to the host in its URL'),
  ENETUNREACH: lost('no route to the network of the host in its URL'),
  ETIMEDOUT: lost('no answer from the address in its URL'),
  ECONNRESET: lost('connection reset'),
  EPIPE: lost('connection closed by the server'),
  ENOTFOUND: configuration("the host name in its URL can't be found"),
  EAI_AGAIN: configuration("the host name in its URL can't be looked up now"),
  EPROTO: configuration('no TLS at the address in its URL: write redis:// instead of rediss://, or use the TLS port'),
}

/** Node names certificate faults by OpenSSL's codes; the rest of the TLS faults begin with ERR_SSL or ERR_TLS. */
const tlsFault = (code: string): Fault | undefined => {
  if (/^ERR_SSL_/.test(code)) return socketFaults.EPROTO
  if (code === 'CERT_HAS_EXPIRED') return configuration('its TLS certificate has expired')
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return configuration('its TLS certificate is for another host than the one in its URL')
  if (/SELF_SIGNED|UNABLE_TO|CERT_|_CERT/.test(code)) {
    return configuration('its TLS certificate is not trusted (NODE_EXTRA_CA_CERTS names further authorities)')
  }
  return undefined
}

const clientFault = (message: string): Fault => {
  if (message.startsWith("Stream isn't writeable")) return notSent
  if (/please report this|protocol|parse|resp/i.test(message))
    return lost('it answered with something that is not Redis')
  return connectionLost
}
