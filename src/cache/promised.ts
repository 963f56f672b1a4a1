/**
 * What a call throws at once becomes a rejection: nobody has to guard one call in two ways. Unlike an async function
 * it adds no promise of its own.
 */
export const promised = <T>(call: () => Promise<T>): Promise<T> => {
  try {
    return call()
  } catch (error) {
    return Promise.reject(error)
  }
}
