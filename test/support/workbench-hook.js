import { register } from 'node:module'

/**
 * For `node --import`: what Motia takes for its Workbench. `?of=<URL>` is another module instead, without it there is
 * none; `motia start` can be told so by MOTIA_DOCKER_DISABLE_WORKBENCH, `motia dev` can't.
 */
const none = 'data:text/javascript,export const applyMiddleware = () => undefined'
const url = new URL(import.meta.url).searchParams.get('of') ?? none
const hooks = `
  export const resolve = (specifier, context, next) =>
    specifier === '@motiadev/workbench/middleware'
      ? { url: ${JSON.stringify(url)}, shortCircuit: true }
      : next(specifier, context)`
// Steps and other tools get it, too, where it is in NODE_OPTIONS.
if (/motia[/\\]dist[/\\]cli\.mjs$/.test(process.argv[1] ?? '')) {
  register(`data:text/javascript,${encodeURIComponent(hooks)}`)
}
