import { describe, expect, it } from 'vitest'
import { callingProcess, connectionName } from '../../../src/instances/connection-name.ts'

describe('names of connections', () => {
  it('tell the process of those that carry calls', () => {
    expect(connectionName('ab12cd34', 'data', '')).toBe('motia-redis:ab12cd34:data')
    for (const namespace of ['', 'shop:']) {
      expect(callingProcess(connectionName('p', 'data', namespace), namespace)).toBe('p')
      expect(callingProcess(connectionName('p', 'large', namespace), namespace)).toBe('p')
      expect(callingProcess(connectionName('p', 'probe', namespace), namespace)).toBeUndefined()
    }
  })

  it('of apps with another namespace in the same database are nobody of ours', () => {
    expect(callingProcess(connectionName('p', 'data', 'shop:'), '')).toBeUndefined()
    expect(callingProcess(connectionName('p', 'data', ''), 'shop:')).toBeUndefined()
    expect(callingProcess(connectionName('p', 'data', 'shop:'), 'other:')).toBeUndefined()
    expect(callingProcess('someone:p:data', '')).toBeUndefined()
  })
})
