import type { StepSide } from './step-side.js'

const slot = Symbol.for('motia-redis.step-side')
const shared = globalThis as { [slot]?: StepSide }

/** This process's step side, if anything has asked for it. */
export const startedStepSide = (): StepSide | undefined => shared[slot]

/** One per process, also when the injection and the step's own import bring two copies of this code. */
export const shareStepSide = (create: () => StepSide): StepSide => {
  shared[slot] ??= create()
  return shared[slot]
}
