/**
 * The life an entry has left, in whole ms, as it is sent. Not the end itself (PXAT): a machine whose clock is behind
 * the server's would write entries that are gone at once.
 */
export const lifeUntil = (endsAt: number): number => Math.max(1, Math.ceil(endsAt - Date.now()))
