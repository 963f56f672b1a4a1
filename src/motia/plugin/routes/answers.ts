import type { Report } from '../../../report.js'
import type { Answers, Asked, Failure, WorkflowsView } from '../../../sight/contract.js'
import { Away, Forbidden, Refused } from '../../../sight/refused.js'
import type { Sight, Views } from '../../../sight/sight.js'

export interface AnswerParts {
  /** Opened when the first question arrives. */
  readonly sight: () => Promise<Sight>
  /** Runs of steps are Motia's. */
  readonly workflows: () => WorkflowsView
  readonly report: Report
}

export interface Answer {
  readonly status: number
  readonly body: object
}

/** Failures of so many kinds are written to the log. */
const MOST_SAID = 100

/**
 * Answers as the contract has it; whether somebody may ask is judged before. Never rejects. The contract, and zod with it,
 * is loaded for the first question.
 */
export const createAnswers = ({ sight, workflows, report }: AnswerParts) => {
  const said = new Set<string>()

  const failed = (error: unknown): Answer => {
    if (error instanceof Forbidden) return failure(403, error.message)
    if (error instanceof Refused) return failure(400, error.message)
    if (error instanceof Away) return failure(503, error.message)
    const line = `a question of the panel failed: ${error instanceof Error ? error.message : String(error)}`
    if (!said.has(line) && said.size < MOST_SAID) {
      said.add(line)
      report.error(line)
    }
    return failure(500, 'it failed; the log of the server says why')
  }

  const opened = async (): Promise<Views & Pick<Sight, 'change'>> => {
    try {
      return { ...(await sight()), workflows: async () => workflows() }
    } catch (error) {
      throw new Away(`the tiers can't be opened: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  return {
    see: async (view: string, query: unknown): Promise<Answer> => {
      try {
        const { queries } = await import('../../../sight/contract.js')
        if (!Object.hasOwn(queries, view)) throw new Refused(`there is ${Object.keys(queries).join(', ')} to see here`)
        const name = view as keyof typeof queries
        const asked = checked<Asked[keyof Asked]>(queries[name].safeParse(query))
        return { status: 200, body: await see(await opened(), name, asked) }
      } catch (error) {
        return failed(error)
      }
    },

    change: async (body: unknown): Promise<Answer> => {
      try {
        const { change } = await import('../../../sight/contract.js')
        const asked = checked(change.safeParse(body))
        return { status: 200, body: await (await opened()).change(asked) }
      } catch (error) {
        return failed(error)
      }
    },
  }
}

const see = <Q extends keyof Asked>(views: Views, view: Q, asked: Asked[Q]): Promise<Answers[Q]> => views[view](asked)

const failure = (status: number, error: string): Answer => ({ status, body: { error } satisfies Failure })

type Parsed<T> =
  | { readonly success: true; readonly data: T }
  | {
      readonly success: false
      readonly error: {
        readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]
      }
    }

/** zod's messages name what is expected, and no value. */
const checked = <T>(parsed: Parsed<T>): T => {
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue?.path.map(String).join('.')
  throw new Refused(`${where === undefined || where === '' ? 'what was sent' : where}: ${issue?.message ?? 'invalid'}`)
}
