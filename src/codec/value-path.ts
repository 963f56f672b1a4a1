/** One step from a value into a part of it: a property name, an index, or what there is no syntax for ("key 3" of a Map). */
export type Step = string | number | { readonly label: string }

const SHOWN = 6
const LONGEST_NAME = 60

/** `items[3].total`, for messages. Long paths are cut in the middle. */
export const pathText = (steps: readonly Step[]): string => {
  if (steps.length <= 2 * SHOWN) return steps.map(stepText).join('')
  return `${steps.slice(0, SHOWN).map(stepText).join('')} … ${steps.slice(-SHOWN).map(stepText).join('')}`
}

const stepText = (step: Step, at: number): string => {
  if (typeof step === 'object') return `<${step.label}>`
  if (typeof step === 'number') return `[${step}]`
  if (step.length <= LONGEST_NAME && /^[A-Za-z_$][\w$]*$/.test(step)) return at === 0 ? step : `.${step}`
  return `[${JSON.stringify(step.length > LONGEST_NAME ? `${step.slice(0, LONGEST_NAME)}…` : step)}]`
}
