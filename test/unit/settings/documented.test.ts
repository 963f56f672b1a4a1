import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readPolicy } from '../../../src/settings/category-policy.ts'
import { collectFaults } from '../../../src/settings/checks.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8')

/** The first column of the first table after a text. */
const fieldsAfter = (text: string): string[] => {
  const lines = page.slice(page.indexOf(text)).split('\n')
  const start = lines.findIndex((line) => line.startsWith('|'))
  const rows = lines.slice(start + 2, lines.indexOf('', start))
  return rows.flatMap((row) => /^\| `(\w+)` \|/.exec(row)?.[1] ?? [])
}

describe('the variables', () => {
  const names = (text: string): string[] => [...new Set(text.match(/\b(MOTIA_)?REDIS_[A-Z]+(_[A-Z]+)*\b/g))].sort()
  const source = readFileSync(join(root, 'src/settings/likely-slips.ts'), 'utf8')
  const known = names(/^(?:export )?const ours\b.*?^\]/ms.exec(source)?.[0] ?? '')

  it('are known', () => expect(known.length).toBeGreaterThan(10))

  it.each(known)('%s is in .env.example and in the table of docs/configuration.md', (name) => {
    const example = readFileSync(join(root, '.env.example'), 'utf8')
    expect(example).toMatch(new RegExp(`^(# )?${name}=`, 'm'))
    const table = page.slice(page.indexOf('## Environment'), page.indexOf('### Two instances'))
    expect(table).toMatch(new RegExp(`^\\| \`${name}\` \\|`, 'm'))
  })
})

describe('the fields of a category in docs/configuration.md', () => {
  const working = fieldsAfter('Each field can be set')
  const notYet = fieldsAfter('### Known and checked already')

  it('are those that are known, each once', () => {
    const faults = collectFaults()
    readPolicy({ '?': 1 }, '', faults)
    const known = /known: (.*)/.exec(faults.lines.join())?.[1]?.split(', ')
    expect([...working, ...notYet].sort()).toEqual(known?.sort())
  })

  it('have an effect where they are said to: something besides the settings reads them', () => {
    const src = join(root, 'src')
    const code = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('settings'))
      .map((name) => readFileSync(join(src, name), 'utf8'))
      .join('\n')
    // The pattern of keys is read as what it comes to.
    const read = (field: string): boolean => new RegExp(`\\b${field === 'key' ? 'keyPrefix' : field}\\b`).test(code)
    expect(working.filter((field) => !read(field))).toEqual([])
  })
})
