import { Boxes, ChartColumn, Cpu, Flame, KeyRound, type LucideIcon, Waypoints, Workflow } from 'lucide-react'
import type { ReactNode } from 'react'
import type { ViewId, ViewProps } from './place.js'
import { CategoriesPage } from './views/categories.js'
import { HotPage } from './views/hot.js'
import { KeysPage } from './views/keys.js'
import { OverviewPage } from './views/overview.js'
import { ProcessesPage } from './views/processes.js'
import { StatePage } from './views/state.js'
import { WorkflowsPage } from './views/workflows.js'

export interface View {
  readonly id: ViewId
  readonly label: string
  readonly icon: LucideIcon
  readonly page: (props: ViewProps) => ReactNode
}

/** In the order of the tabs. Each page fills its tab's height, scrolls in itself and asks for what it shows. */
export const views: readonly View[] = [
  { id: 'overview', label: 'Overview', icon: Waypoints, page: OverviewPage },
  { id: 'categories', label: 'Categories', icon: ChartColumn, page: CategoriesPage },
  { id: 'keys', label: 'Keys', icon: KeyRound, page: KeysPage },
  { id: 'state', label: 'State', icon: Boxes, page: StatePage },
  { id: 'workflows', label: 'Workflows', icon: Workflow, page: WorkflowsPage },
  { id: 'processes', label: 'Processes', icon: Cpu, page: ProcessesPage },
  { id: 'hot', label: 'Hot keys', icon: Flame, page: HotPage },
]
