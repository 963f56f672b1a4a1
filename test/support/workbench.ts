import type { MotiaApp } from './motia-app.ts'

export interface Served {
  /** What the Workbench was told of the tab. Undefined: it isn't there. */
  readonly tab: { readonly packageName: string; readonly label: string } | undefined
  /** The panel's module as a browser gets it. */
  readonly module: string
  /** The Workbench's style sheet. */
  readonly styles: string
}

/** Our panel as Motia's Workbench hands it to a browser, without one. */
export const servedPanel = async (app: MotiaApp): Promise<Served> => {
  const plugins = await text(app, '/@id/__x00__virtual:motia-plugins')
  const listed = JSON.parse(/motiaPlugins = (\[.*\])/.exec(plugins)?.[1] ?? '[]') as Served['tab'][]
  const tab = listed.find((plugin) => plugin?.label === 'Cache')
  const path = /from "([^"]*\/workbench\.js[^"]*)"/.exec(plugins)?.[1]
  return {
    tab,
    module: path === undefined ? '' : await text(app, path),
    styles: await text(app, '/src/index.css'),
  }
}

const text = async (app: MotiaApp, path: string): Promise<string> => {
  const response = await app.fetch(path)
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  return response.text()
}
