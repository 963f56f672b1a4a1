import { describe, expect, it } from 'vitest'
import { didYouMean, nearest } from '../../../src/settings/did-you-mean.ts'
import { isProduction } from '../../../src/settings/production.ts'

const known = ['auth', 'orders', 'notifications', 'analytics', 'user', 'menu', 'ml', 'cache']

describe('nearest', () => {
  it.each([
    ['meun', 'menu'],
    ['menus', 'menu'],
    ['Menu', 'menu'],
    ['order', 'orders'],
    ['notifcations', 'notifications'],
    ['anlaytics', 'analytics'],
    ['cahce', 'cache'],
    ['zzz', undefined],
    ['', undefined],
    ['sessions', undefined],
    ['constructor', undefined],
  ])('of %j it finds %j', (word, found) => {
    expect(nearest(word, known)).toBe(found)
  })

  it('takes the fewest slips', () => {
    expect(nearest('user1', ['users', 'user2x', 'user'])).toBe('users')
    expect(nearest('tll', ['ttl', 'tall'])).toBe('ttl')
  })

  it('makes a phrase, or none', () => {
    expect(didYouMean('meun', known)).toBe(" (did you mean 'menu'?)")
    expect(didYouMean('zzz', known)).toBe('')
  })
})

describe('isProduction', () => {
  it.each([
    [{ NODE_ENV: 'production' }, [], true],
    [{ NODE_ENV: 'development' }, ['node', '/app/node_modules/.bin/motia', 'start'], true],
    [{}, ['node', '/app/node_modules/motia/dist/cli.mjs', 'start', '--port', '1'], true],
    [{}, ['node', 'C:\\app\\node_modules\\motia\\dist\\cli.mjs', 'start'], true],
    [{}, ['node', '/app/node_modules/.bin/motia', 'dev'], false],
    [{}, ['node', '/app/server.js', 'start'], false],
    [{}, ['node', '/app/motia/server.js', 'start'], false],
    [{}, ['node', '/app/node_modules/.bin/not-motia', 'start'], false],
    [{}, ['node', '/app/node_modules/.bin/motia', 'generate', 'start'], false],
    [{}, [], false],
  ])('%j %j is %s', (env, argv, answer) => {
    expect(isProduction(env, argv)).toBe(answer)
  })
})
