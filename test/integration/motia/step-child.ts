import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { HOST_MARKER } from '../../../src/motia/step/protocol.ts'
import type { Cache, RedisService } from '../../../types/index.ts'

const runner = fileURLToPath(new URL('../../fixtures/injection/child/node-runner.mjs', import.meta.url))

export interface StepScope {
  readonly cache: Cache
  readonly redisService: RedisService
  readonly outstanding: { count(): number; drain(limit: number): Promise<number> }
}

/** A forked process with the real step side. What it runs is sent as source text, so it must not close over anything. */
export interface StepProcess {
  readonly child: ChildProcess
  run<T, A extends unknown[]>(work: (scope: StepScope, ...args: A) => Promise<T> | T, ...args: A): Promise<T>
  readonly ended: Promise<void>
}

export const startStepProcess = async (env: Record<string, string | undefined> = {}): Promise<StepProcess> => {
  const child = spawn(process.execPath, ['--import', 'tsx', runner, 'step.ts', '{}'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '', [HOST_MARKER]: '1', ...env },
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const ran = new Map<number, (message: { value?: unknown; error?: object }) => void>()
  await new Promise<void>((resolve, reject) => {
    child.on('message', (message: { type?: string; id?: number; value?: unknown; error?: object }) => {
      if (message.type === 'test:ready') resolve()
      if (message.type === 'test:ran') ran.get(message.id ?? -1)?.(message)
    })
    child.once('exit', (code) => reject(new Error(`the child ended with ${code}`)))
  })
  let lastId = 0
  return {
    child,
    ended,
    run: <T, A extends unknown[]>(work: (scope: StepScope, ...args: A) => Promise<T> | T, ...args: A) =>
      new Promise<T>((resolve, reject) => {
        lastId += 1
        ran.set(lastId, ({ value, error }) => (error === undefined ? resolve(value as T) : reject(error)))
        child.send({ type: 'test:run', id: lastId, source: work.toString(), args })
      }),
  }
}
