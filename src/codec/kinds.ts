/** What superjson carries as a list of JSON numbers. Not BigInt64Array and BigUint64Array. */
export const TYPED_ARRAYS = [
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  Uint8ClampedArray,
] as const

/** Reading a BigInt's digits back costs time that grows faster than their number. */
export const MAX_BIGINT_DIGITS = 10_000
/** The most hexadecimal digits that surely make no more decimal ones than that. */
export const MAX_BIGINT_HEX = 8_300

/** superjson refuses these names anywhere in a value it transforms. */
export const isReservedName = (name: string): boolean =>
  name === 'constructor' || name === 'prototype' || name === '__proto__'
