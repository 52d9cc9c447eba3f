/**
 * The same port, but every method answers a turn of the event loop later, by a promise: what a store on another machine
 * does. The work is done a turn later, too, so that a caller who reads or refills its arguments early is found out.
 * Members that are no functions are handed through.
 */
export function delayed<Port extends object>(port: Port): Port {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) =>
        new Promise((resolve, reject) => {
          setImmediate(() => {
            try {
              resolve(member.apply(target, args))
            } catch (error) {
              reject(error)
            }
          })
        })
    },
  })
}
