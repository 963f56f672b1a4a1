import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { faultOf, textFor } from '../../../src/instances/redis-errors.ts'

const reply = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' })
const system = (code: string): Error => Object.assign(new Error(`connect ${code} 10.0.0.1:6379`), { code })

describe('faultOf', () => {
  it.each([
    ['NOAUTH Authentication required.', 'configuration', 'down', true],
    ['WRONGPASS invalid username-password pair or user is disabled.', 'configuration', 'down', true],
    ["NOPERM this user has no permissions to run the 'eval' command", 'refused', 'call', true],
    ['LOADING Redis is loading the dataset in memory', 'unavailable', 'down', true],
    ['BUSY Redis is busy running a script.', 'unavailable', 'down', true],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'unavailable', 'down', true],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'full', 'writes', true],
    ["READONLY You can't write against a read only replica.", 'read-only', 'writes', true],
    ['NOREPLICAS Not enough good replicas to write.', 'read-only', 'writes', true],
    ['MISCONF Redis is configured to save RDB snapshots', 'read-only', 'writes', true],
    ['ERR max number of clients reached', 'unavailable', 'down', true],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', 'refused', 'call', true],
    ['ERR Protocol error: invalid bulk length', 'too-large', 'call', true],
    ['Protocol error: invalid bulk length', 'too-large', 'call', true],
    ['invalid bulk length', 'too-large', 'call', true],
    ["CROSSSLOT Keys in request don't hash to the same slot", 'refused', 'call', true],
    ['ERR Error running script (call to f_abc): @user_script:2: OOM command not allowed', 'full', 'writes', true],
    ['ERR something new', 'refused', 'call', true],
    ['what is this', 'unavailable', 'down', false],
  ])('reply: %s', (message, kind, about, harmless) => {
    expect(faultOf(reply(message))).toMatchObject({ kind, about, harmless })
  })

  it.each([
    ['ECONNREFUSED', 'unavailable', undefined],
    ['ECONNRESET', 'unavailable', undefined],
    ['EPIPE', 'unavailable', undefined],
    ['ENOTFOUND', 'configuration', true],
    ['EAI_AGAIN', 'configuration', true],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'configuration', true],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'configuration', true],
    ['CERT_HAS_EXPIRED', 'configuration', true],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'configuration', true],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'configuration', true],
    ['ESOMETHING', 'unavailable', undefined],
  ])('socket: %s', (code, kind, slow) => {
    const fault = faultOf(system(code))
    expect(fault).toMatchObject({ kind, about: 'down' })
    expect(fault.slow).toBe(slow)
  })

  it.each([
    ["Stream isn't writeable and enableOfflineQueue options is false", true],
    ['Connection is closed.', false],
    ['Reached the max retries per request limit (which is 0).', false],
    ['Command aborted due to connection close', false],
    ['Protocol error, got "H" as reply type byte. Please report this.', false],
  ])('client: %s', (message, harmless) => {
    expect(faultOf(new Error(message))).toMatchObject({ kind: 'unavailable', about: 'down', harmless })
  })

  it('repeats nothing of what an error carries', () => {
    const secret = fc.stringMatching(/^[a-z]{12}$/)
    fc.assert(
      fc.property(
        secret,
        fc.constantFrom('ERR ', 'NOPERM ', 'WRONGPASS ', '', 'connect '),
        fc.boolean(),
        (text, head, isReply) => {
          const error = isReply ? reply(`${head}${text}`) : new Error(`${head}${text}`)
          Object.assign(error, { command: { name: 'auth', args: [text] } })
          expect(inspect(faultOf(error), { depth: 9 })).not.toContain(text)
        },
      ),
    )
  })

  it('takes anything thrown', () => {
    for (const thrown of [undefined, null, 'text', 1, {}])
      expect(faultOf(thrown)).toMatchObject({ kind: 'unavailable' })
  })
})

describe('textFor', () => {
  it.each([
    [reply('WRONGPASS'), 'wrong user or password in REDIS_EU_WEST_URL'],
    [reply('NOAUTH'), 'it wants a password, and REDIS_EU_WEST_URL has none'],
    [system('ECONNREFUSED'), 'connection refused at the address in REDIS_EU_WEST_URL'],
    [system('ENOTFOUND'), "the host name in REDIS_EU_WEST_URL can't be found"],
    [system('ETIMEDOUT'), 'no answer from the address in REDIS_EU_WEST_URL'],
  ])('names the variable that holds the address: %s', (error, text) => {
    expect(textFor('eu_west', faultOf(error))).toBe(text)
  })
})
