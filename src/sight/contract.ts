/**
 * What the routes under `/__motia/redis/` are asked and answer: the one definition for the server, which checks every
 * request by it, and for the panel, which imports its types only. Times are epoch ms, durations ms, sizes bytes.
 * Figures called "about" are estimated from a sample. Loaded when the first request comes.
 */

import type { z } from 'zod'
import { nothing } from './contract/asked.js'
import type { CategoriesView } from './contract/categories.js'
import { type CountView, countAsked } from './contract/count.js'
import { type EntryView, entryAsked } from './contract/entry.js'
import { type GroupsView, groupsAsked } from './contract/groups.js'
import type { HotView } from './contract/hot.js'
import { type ItemsView, itemsAsked } from './contract/items.js'
import { type KeysView, keysAsked } from './contract/keys.js'
import type { Overview } from './contract/overview.js'
import type { ProcessesView } from './contract/processes.js'
import type { WorkflowsView } from './contract/workflows.js'

export type * from './contract/categories.js'
export * from './contract/change.js'
export type * from './contract/count.js'
export type * from './contract/entry.js'
export type * from './contract/groups.js'
export type * from './contract/hot.js'
export type * from './contract/items.js'
export type * from './contract/keys.js'
export type * from './contract/overview.js'
export type * from './contract/processes.js'
export type * from './contract/tree-node.js'
export type * from './contract/workflows.js'

/** The query of each GET, by the last part of its path. */
export const queries = {
  overview: nothing,
  categories: nothing,
  keys: keysAsked,
  entry: entryAsked,
  count: countAsked,
  groups: groupsAsked,
  items: itemsAsked,
  workflows: nothing,
  processes: nothing,
  hot: nothing,
} as const

export type Queries = { [Q in keyof typeof queries]: z.input<(typeof queries)[Q]> }
export type Asked = { [Q in keyof typeof queries]: z.output<(typeof queries)[Q]> }

/** By the last part of the path. */
export interface Answers {
  readonly overview: Overview
  readonly categories: CategoriesView
  readonly keys: KeysView
  readonly entry: EntryView
  readonly count: CountView
  readonly groups: GroupsView
  readonly items: ItemsView
  readonly workflows: WorkflowsView
  readonly processes: ProcessesView
  readonly hot: HotView
}

/** Every refusal and failure. */
export interface Failure {
  /** One sentence, without values. */
  readonly error: string
}
