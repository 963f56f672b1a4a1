import { type ChildProcess, spawn } from 'node:child_process'

const SCRIPT = `
read _
kill -s TERM -- "$0"
kill -s CONT -- "$0"
for _ in 1 2 3 4 5; do
  sleep 1
  kill -s 0 -- "$0" || exit 0
done
kill -s KILL -- "$0"
`

/**
 * A shell that waits on a pipe we hold. When this process ends, even by kill -9, the pipe closes and the shell ends
 * `target` (a pid, or the negative of a process group): nothing is left behind that no exit handler could reach. It
 * has a process group of its own, so that Ctrl-C in the terminal doesn't end the watchdog first.
 */
export const watch = (target: number): ChildProcess | undefined => {
  if (process.platform === 'win32') return undefined
  const shell = spawn('/bin/sh', ['-c', SCRIPT, String(target)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  shell.once('error', (error) => console.warn(`process ${target} has no watchdog: ${error.message}`))
  shell.unref()
  if ('unref' in shell.stdin && typeof shell.stdin.unref === 'function') shell.stdin.unref()
  return shell
}
