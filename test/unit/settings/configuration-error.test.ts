import { spawnSync } from 'node:child_process'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../src/settings/configuration-error.ts'

const module = new URL('../../../src/settings/configuration-error.ts', import.meta.url).href

const runChild = (body: string): { stderr: string; status: number | null } => {
  const script = `import { ConfigurationError, rememberForExit } from ${JSON.stringify(module)}\n${body}`
  return spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { encoding: 'utf8' })
}

describe('ConfigurationError', () => {
  it('has every fault on a line of its own, no frames and no cause', () => {
    const error = new ConfigurationError(['a: wrong', 'b: wrong\ntoo'])
    expect(error.message).toBe('motia-redis: 2 faults in the configuration\n  - a: wrong\n  - b: wrong\\x0atoo')
    expect(error.stack).toBe(`ConfigurationError: ${error.message}`)
    expect(error.cause).toBeUndefined()
    expect(inspect(error).match(/a: wrong/g)).toHaveLength(1)
    expect(new ConfigurationError(['a: wrong']).message).toContain('one fault')
  })
})

describe('rememberForExit', () => {
  it('prints the error as the last thing of the process, the same one only once', () => {
    const child = runChild(`
      rememberForExit(new ConfigurationError(['one: wrong']))
      rememberForExit(new ConfigurationError(['one: wrong']))
      rememberForExit(new ConfigurationError(['two: wrong']))
      process.on('exit', () => {})
      process.stderr.write('scrolled away\\n')
      process.exit(3)`)
    expect(child.status).toBe(3)
    expect(child.stderr.slice(child.stderr.indexOf('scrolled away'))).toBe(
      'scrolled away\n' +
        '\nmotia-redis: one fault in the configuration\n  - one: wrong\n' +
        '\nmotia-redis: one fault in the configuration\n  - two: wrong\n',
    )
  })

  const fault = 'motia-redis: one fault in the configuration\n  - one: wrong'
  const thrown = "const error = new ConfigurationError(['one: wrong']); rememberForExit(error)"
  const times = (text: string): number => text.split(fault).length - 1

  it('prints nothing more where the first print is the last thing to be seen', () => {
    const asMotia = `${thrown}; console.warn('Failed to load motia.config.ts:', error)`
    expect(times(runChild(asMotia).stderr)).toBe(1)
    expect(times(runChild(`${asMotia}; console.log('x'.repeat(200))`).stderr)).toBe(2)
    expect(times(runChild(`${thrown}; console.warn('the configuration is wrong')`).stderr)).toBe(1)
  })

  it('prints nothing where Node prints the error as that which ends the process', () => {
    for (const body of [`${thrown}; throw error`, `${thrown}; setTimeout(() => Promise.reject(error))`]) {
      const child = runChild(body)
      expect(child.status).toBe(1)
      expect(times(child.stderr)).toBe(1)
    }
    const caught = runChild(`process.on('uncaughtException', () => {}); ${thrown}; setTimeout(() => { throw error })`)
    expect(times(caught.stderr)).toBe(1)
  })

  it('prints after an uncaught exception and after a natural end, and nothing for a forgotten error', () => {
    const remembered = "rememberForExit(new ConfigurationError(['one: wrong']))"
    const thrown = runChild(`${remembered}; throw new Error('something else')`)
    expect(thrown.status).toBe(1)
    expect(thrown.stderr).toContain('something else')
    expect(thrown.stderr).toContain('one: wrong')
    expect(runChild(remembered)).toMatchObject({ status: 0, stderr: expect.stringContaining('one: wrong') })
    expect(runChild("new ConfigurationError(['one: wrong'])").stderr).not.toContain('one: wrong')
  })
})
