/**
 * Deadlines of tests that are about something else: a second for an instance that leaves a third of it for another place.
 * The built-in ones would be 100 ms there, which a machine that runs many tests at once takes now and then.
 */
export const patient = { read: 1_500, write: 1_500 }

/** The same for what is opened by its environment. */
export const patientEnv = { MOTIA_REDIS_DEADLINE_READ: '1500', MOTIA_REDIS_DEADLINE_WRITE: '1500' }
