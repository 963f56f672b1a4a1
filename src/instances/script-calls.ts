import type { Redis } from 'ioredis'
import type { Caller } from './caller.js'
import type { Connection } from './connection.js'
import type { Lines } from './entries.js'
import type { Instance, ScriptCall } from './instance.js'
import { isLarge } from './large.js'
import { type Outcome, outcomesOf, repliesOf, told } from './pipeline.js'
import { faultOf } from './redis-errors.js'
import { commandsOf, isIndifferent, runScript, scriptError } from './scripts.js'

/** Scripts of others, with the deadlines, the connections and the errors of this folder. */
export const createScriptCalls = (
  caller: Caller,
  { data, large }: Lines,
  checkSize: (text: string) => void,
): Pick<Instance, 'script' | 'scripts'> => {
  const lineOf = (calls: readonly ScriptCall[]): Connection => {
    let line = data
    for (const { args } of calls) {
      for (const arg of args) {
        if (typeof arg !== 'string') continue
        checkSize(arg)
        if (isLarge(arg)) line = large
      }
    }
    return line
  }

  const refusalOf = (call: ScriptCall): unknown => {
    try {
      lineOf([call])
      return undefined
    } catch (error) {
      return error
    }
  }

  return {
    script: async (call, intent, options) =>
      caller.call(lineOf([call]), intent, options?.timeout, (redis) =>
        runScript(redis, call.script, call.keys, call.args),
      ),

    scripts: async (calls, intent, options) => {
      // One that this server wouldn't take must not cost the others their way there.
      const refused = calls.map(refusalOf)
      const sent = calls.filter((_, i) => refused[i] === undefined)
      if (sent.length === 0) return refused
      const outcomes = await caller.call(lineOf(sent), intent, options?.timeout, async (redis) =>
        told(await outcomesOfScripts(redis, sent)),
      )
      let next = 0
      return refused.map((refusal) => {
        if (refusal !== undefined) return refusal
        const [error, reply] = outcomes[next++] ?? []
        return error === null ? reply : caller.failure(scriptError(error), intent)
      })
    },
  }
}

/** Their replies; rejects where any of them failed. */
export const pipelinedScripts = async (redis: Redis, calls: readonly ScriptCall[]): Promise<unknown[]> => {
  const outcomes = await outcomesOfScripts(redis, calls)
  return repliesOf(outcomes.map(([error, reply]): Outcome => [error && (scriptError(error) as Error), reply]))
}

/**
 * By their names; once more afterwards those that the server doesn't know (any more), the first of each with its text,
 * and those that it doesn't run as what they are.
 */
const outcomesOfScripts = async (redis: Redis, calls: readonly ScriptCall[]): Promise<readonly Outcome[]> => {
  const outcomes = await outcomesOf(redis, calls, (pipeline, { script, keys, args }) =>
    pipeline[commandsOf(redis, script)[0]](script.sha, keys.length, ...keys, ...args),
  )
  const refused = calls.map(({ script }, i) => {
    const error = outcomes[i]?.[0] ?? null
    return error !== null && (faultOf(error).code === 'NOSCRIPT' || isIndifferent(redis, script, error))
  })
  const unknown = calls.filter((_, i) => refused[i])
  if (unknown.length === 0) return outcomes
  const sent = new Set<string>()
  const again = await outcomesOf(redis, unknown, (pipeline, { script, keys, args }) => {
    const [byName, byText] = commandsOf(redis, script)
    if (sent.has(script.sha)) pipeline[byName](script.sha, keys.length, ...keys, ...args)
    else pipeline[byText](script.lua, keys.length, ...keys, ...args)
    sent.add(script.sha)
  })
  let next = 0
  return outcomes.map((outcome, i) => (refused[i] ? (again[next++] ?? outcome) : outcome))
}
