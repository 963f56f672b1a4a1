import type { StandardSchemaV1 } from '@standard-schema/spec'
import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { issueText } from '../../../src/cache/schema-issue.ts'

const textOf = async (schema: StandardSchemaV1, value: unknown): Promise<string> => {
  const { issues } = await schema['~standard'].validate(value)
  return issueText(issues?.[0])
}

describe('what was expected where', () => {
  const secret = 'hunter2'
  it.each<[string, StandardSchemaV1, unknown, string]>([
    ['zod: a type', z.object({ n: z.number() }), { n: secret }, 'at n: expected number'],
    ['zod: a missing field', z.object({ n: z.date() }), {}, 'at n: expected date'],
    ['zod: a whole number', z.number().int(), 1.5, 'at the value itself: expected int'],
    ['zod: a length', z.array(z.string().min(9)), [secret], 'at [0]: too small, or too short'],
    ['zod: a format', z.email(), secret, 'at the value itself: not in the format it should have'],
    ['zod: a choice', z.enum(['a', 'b']), secret, 'at the value itself: none of the allowed values'],
    ['zod: shapes', z.union([z.number(), z.date()]), secret, 'at the value itself: none of the allowed shapes'],
    [
      'zod: an unknown field',
      z.strictObject({}),
      { [secret]: 1 },
      'at the value itself: it has a field that the schema does not know',
    ],
    [
      'zod: a check that quotes the value',
      z.string().refine(() => false, { error: ({ input }) => `no ${input}` }),
      secret,
      "at the value itself: refused by a check of the schema's own",
    ],
    ['valibot: a type', v.object({ list: v.array(v.string()) }), { list: secret }, 'at list: expected array'],
    ['valibot: a missing field', v.object({ n: v.string() }), {}, 'at n'],
    ['valibot: a choice', v.picklist(['a']), secret, 'at the value itself: none of the allowed values'],
    ['valibot: a length', v.pipe(v.string(), v.minLength(9)), secret, 'at the value itself: too small, or too short'],
  ])('%s', async (_, schema, value, text) => {
    expect(await textOf(schema, value)).toBe(text)
  })

  it('takes the words of other libraries', () => {
    expect(issueText({ message: '', expected: 'a number' } as StandardSchemaV1.Issue)).toBe(
      'at the value itself: expected number',
    )
  })

  it('repeats no text of an issue but its path', () => {
    const issue = fc.record({
      message: fc.string(),
      expected: fc.string(),
      code: fc.string(),
      type: fc.string(),
      received: fc.string(),
    })
    const plain = /^at the value itself(: (expected [a-z]+|[a-z ,']+))?$/
    fc.assert(
      fc.property(issue, fc.stringMatching(/^[A-Z0-9]{12}$/), (given, text) => {
        const marked = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, value + text]))
        const said = issueText(marked as unknown as StandardSchemaV1.Issue)
        expect(said).toMatch(plain)
        expect(said).not.toContain(text)
      }),
    )
  })

  it('stays with the place where an issue can not be read', () => {
    const issue = Object.defineProperty({ message: '', path: ['a'] }, 'expected', {
      get: () => {
        throw new Error('no')
      },
    })
    expect(issueText(issue)).toBe('at a')
    expect(issueText(undefined)).toBe('at the value itself')
  })
})
