/**
 * Members by which the package tells a Json from a copy of a Json. Sending a copy is an error, because the copy would
 * be sent as other JSON than the original.
 */

/**
 * The name of a member that each Json has, called the guard. An object that has this member but is not a Json is a copy
 * that was made member by member.
 */
export const COPY_GUARD = '[Json]'
/**
 * The value of the member `COPY_GUARD`. `structuredClone` throws for a symbol, and the error shows the symbol's
 * description.
 */
export const COPY_ITS_VALUE = Symbol(
  'a Json cannot be copied: copy its `value`, or call its method `with` to get a changed one',
)
/**
 * The name of a member with the state of a Json. A framework may wrap an answer in a Proxy, which
 * has no private members. If `this` is a Proxy, the getters read the state from this member instead.
 */
export const STATE = Symbol('state')

export const COPIED =
  'this is a copy of a Json. Write { ...json.value, name: value } to copy its value, ' +
  'or json.with(name, value) to change one value and keep the digits of all others.'
export const ASSIGNED_TO =
  'members of a Json cannot be assigned. Write json.with(name, value), which returns a changed Json.'
