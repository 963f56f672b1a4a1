import type { ReactNode } from 'react'
import { ErrorBoundary } from './error-boundary.js'
import { Panel } from './panel.js'

/** The tab "Cache" of Motia's Workbench: what `workbench` of the plugin's answer names. */
export const CachePanel = (): ReactNode => (
  <ErrorBoundary name="The Cache panel">
    <Panel />
  </ErrorBoundary>
)
