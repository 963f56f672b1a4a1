export interface Summary {
  at: Date
  counts: Map<string, number>
}
