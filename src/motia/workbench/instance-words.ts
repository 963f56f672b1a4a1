import type { InstanceView } from '../../sight/contract.js'
import type { Tone } from './tone.js'

type Standing = Pick<InstanceView, 'state' | 'readable' | 'writable'>

/** How an instance stands, in a word or two. */
export const stateWord = ({ state, readable, writable }: Standing): string => {
  if (state === 'up' && !writable) return 'takes no writes'
  if (state === 'up' && !readable) return 'not read yet'
  return words[state]
}

export const instanceTone = ({ state, readable, writable }: Standing): Tone => {
  if (state === 'down') return 'bad'
  if (state === 'catching-up' || state === 'probing') return 'info'
  return state === 'up' && readable && writable ? 'ok' : 'warn'
}

const words: Readonly<Record<InstanceView['state'], string>> = {
  up: 'up',
  suspect: 'suspect',
  down: 'down',
  probing: 'probing',
  'catching-up': 'catching up',
}
