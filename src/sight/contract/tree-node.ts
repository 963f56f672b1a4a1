/** A value as a tree of bounded size. */
export interface TreeNode {
  /** 'string', 'number', 'Date', 'Map', 'bigint', 'undefined', 'absent' (remembered as not there) …: what it is. */
  readonly type: string
  /** What a leaf shows, cut off at 10,000 characters. */
  readonly text?: string
  /** In the order of the value; `label` is a property, an index, or what a Map has as its key. */
  readonly children?: readonly { readonly label: string; readonly node: TreeNode }[]
  /** Characters, children or bytes that there are in all, where not all are shown. */
  readonly of?: number
}
