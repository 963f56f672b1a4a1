import { Problem } from './problem.js'
import { redisSecret } from './secret.js'
import type { RedisSecret } from './settings.js'

export interface RedisUrl {
  /** Without brackets where it is an IPv6 address. */
  readonly host: string
  /** @default 6379 */
  readonly port: number
  readonly username: string | undefined
  readonly password: RedisSecret | undefined
  /** 0 to 15. @default 0 */
  readonly db: number
  /** True for rediss://. */
  readonly tls: boolean
  /** `redis://user:***@host:port/db`; JSON, util.inspect and string templates print the same. */
  toString(): string
  toJSON(): string
}

class ParsedUrl implements RedisUrl {
  readonly host: string
  readonly port: number
  readonly username: string | undefined
  readonly db: number
  readonly tls: boolean
  readonly #password: RedisSecret | undefined

  constructor(parts: Pick<RedisUrl, 'host' | 'port' | 'username' | 'password' | 'db' | 'tls'>) {
    this.host = parts.host
    this.port = parts.port
    this.username = parts.username
    this.db = parts.db
    this.tls = parts.tls
    this.#password = parts.password
    Object.freeze(this)
  }

  /** A getter of the prototype: spreading, comparing or enumerating the URL doesn't meet it. */
  get password(): RedisSecret | undefined {
    return this.#password
  }

  toString(): string {
    const user = this.username === undefined ? '' : encodeURIComponent(this.username)
    const login = this.#password === undefined ? '' : `${user}:${this.#password}@`
    const host = this.host.includes(':') ? `[${this.host}]` : this.host
    return `${this.tls ? 'rediss' : 'redis'}://${login}${host}:${this.port}/${this.db}`
  }

  toJSON(): string {
    return this.toString()
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

const shape = 'redis://user:password@host:6379/0'

/** Reads redis:// and rediss:// URLs. The problem's text repeats nothing of the URL. */
export const parseRedisUrl = (text: string): RedisUrl | Problem => {
  const protocol = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (protocol === 'http' || protocol === 'https') {
    return new Problem(`it is a web address; take the one for Redis clients: ${shape}, or rediss:// for TLS`)
  }
  if (protocol !== 'redis' && protocol !== 'rediss') {
    return new Problem(`it must begin with redis:// or rediss://, like ${shape}`)
  }
  const url = parsed(text)
  if (url === undefined) return new Problem(unreadable)
  const login = loginOf(url)
  if (Problem.is(login)) return login
  const refused = queryProblem(url)
  if (refused !== undefined) return refused
  const db = databaseOf(url.pathname)
  if (typeof db !== 'number') return db
  const host = hostOf(url)
  if (host === '' || /[\s%@/\p{Cc}]/u.test(host)) return new Problem(`it names no host; write it like ${shape}`)
  if (url.port === '0') return new Problem('port 0 is not a port; write 1 to 65535')
  const port = url.port === '' ? 6379 : Number(url.port)
  return new ParsedUrl({ host, port, ...login, db, tls: protocol === 'rediss' })
}

const encodeHint =
  "special characters in user and password are percent-encoded ('#' is %23, '/' is %2F, '@' is %40, '%' is %25)"
const unreadable = `it can't be read as a URL; write it like ${shape}, where ${encodeHint}`

const parsed = (text: string): URL | undefined => {
  // URL drops tabs and line ends wherever they stand, also from the middle of a password.
  if (/\p{Cc}/u.test(text)) return undefined
  try {
    return new URL(text)
  } catch {
    // Node's error carries the whole URL, password included: it must not go on.
    return undefined
  }
}

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const loginOf = (url: URL): Pick<RedisUrl, 'username' | 'password'> | Problem => {
  const username = decoded(url.username)
  const password = decoded(url.password)
  if (username === undefined || password === undefined)
    return new Problem(`its user or password can't be read: ${encodeHint}`)
  if (password === '' && username !== '') {
    return new Problem('it has a user but no password; write redis://user:password@host, or redis://:password@host')
  }
  return {
    username: username === '' ? undefined : username,
    password: password === '' ? undefined : redisSecret(password),
  }
}

const hostOf = (url: URL): string => (decoded(url.hostname) ?? '').replace(/^\[(.*)\]$/, '$1').toLowerCase()

const queryProblem = (url: URL): Problem | undefined => {
  // A '#' or '?' that belongs to a password ends up here too: hence no word of what was found.
  if (url.hash !== '') return new Problem(`it has a '#'; ${encodeHint}`)
  const names = [...url.searchParams.keys()]
  if (names.some((name) => /^(sentinel|cluster)s?$/i.test(name))) {
    return new Problem('?sentinel and ?cluster are not supported yet; give the address of a single Redis server')
  }
  if (url.search !== '') return new Problem("it has query parameters ('?…'), and none is known; remove them")
  return undefined
}

const databaseOf = (path: string): number | Problem => {
  if (path === '' || path === '/') return 0
  const digits = /^\/(\d{1,5})$/.exec(path)?.[1]
  if (digits === undefined)
    return new Problem(`the part after the host must be a database number, 0 to 15; ${encodeHint}`)
  const db = Number(digits)
  return db <= 15 ? db : new Problem(`database ${db} is out of range: 0 to 15`)
}

/** True where the connection doesn't leave this machine. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(host)
