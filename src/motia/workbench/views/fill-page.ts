/** As the server's answers come: nothing here is of a browser. */
type Result<A, F> = { readonly ok: true; readonly answer: A } | { readonly ok: false; readonly failure: F }

/** How pages of one query are counted and put together. */
export interface PageShape<A> {
  readonly rows: (answer: A) => number
  /** What an answer and the one after it are as one. */
  readonly join: (before: A, after: A) => A
}

/** How many answers one page of the panel may be made of, at most. */
const MOST = 100

/**
 * One page as a reader means it. The server looks at a bounded part each time, so that its answer may hold few rows or
 * none and still have more behind it: this asks on, until the page is `wanted` rows long, nothing is left, or `goOn`
 * says that it took long enough. `seen` gets what there is so far.
 */
export const fillPage = async <A extends { readonly cursor: string | undefined }, F>(
  ask: (cursor: string | undefined) => Promise<Result<A, F>>,
  { rows, join }: PageShape<A>,
  from: string | undefined,
  wanted: number,
  goOn: () => boolean,
  seen: (soFar: A) => void,
): Promise<Result<A, F>> => {
  let page = await ask(from)
  for (let asked = 1; asked < MOST && page.ok; asked++) {
    if (page.answer.cursor === undefined || rows(page.answer) >= wanted || !goOn()) break
    seen(page.answer)
    const more = await ask(page.answer.cursor)
    // What is known is worth more than the failure, which the next look will meet again.
    if (!more.ok) return rows(page.answer) > 0 ? page : more
    page = { ok: true, answer: join(page.answer, more.answer) }
  }
  return page
}
