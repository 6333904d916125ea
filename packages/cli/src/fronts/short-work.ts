import { setFlagsFromString } from 'node:v8'

/**
 * For work that is a walk over many files and then the end: it is over before V8's last compiler has paid for itself, which
 * takes 15 % of the processor time of a dump. To be called when everything is loaded: Node's own code and that in its cache
 * were compiled under the flags of the start; under others everything would be compiled again, which takes 15 ms.
 */
export function expectShortWork(): void {
  setFlagsFromString('--invocation-count-for-turbofan=100000')
}
