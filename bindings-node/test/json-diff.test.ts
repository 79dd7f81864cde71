import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'

import fc from 'fast-check'
import { Json, JsonChange, JsonDiff, type JsonEdit, type JsonInput } from 'hightouch-sdk'

import { ROOT } from './support.js'

/** The cases that the tests of all languages read. */
const CASES = JSON.parse(readFileSync(path.join(ROOT, 'tests', 'json', 'cases.json'), 'utf8')) as {
  edits: { name: string; json: string; edits: Change[]; gives: string | null }[]
  diffs: { name: string; old: string; new: string; changes: object[]; lines: string[] }[]
}

interface Change {
  do: 'set' | 'insert' | 'append' | 'remove' | 'rename'
  path: (string | number)[]
  value: string
  name: string
}

function make(edit: JsonEdit, change: Change): void {
  if (change.do === 'remove') edit.remove(change.path)
  else if (change.do === 'rename') edit.rename(change.path, change.name)
  else edit[change.do](change.path, Json.parse(change.value))
}

describe('an edit', () => {
  for (const { name, json, edits, gives } of CASES.edits) {
    test(name, () => {
      const start = Json.parse(json)
      const changed = (): Json =>
        start.edit((edit) => {
          for (const change of edits) make(edit, change)
        })
      if (gives === null) {
        assert.throws(changed, TypeError)
        return
      }
      assert.equal(changed().text, gives)
      assert.equal(start.text, json)
      const [first] = edits
      if (edits.length === 1 && first?.do === 'set') {
        assert.equal(start.with(first.path, Json.parse(first.value)).text, gives)
      }
      if (edits.length === 1 && first?.do === 'remove') assert.equal(start.without(first.path).text, gives)
    })
  }

  test('ends with its function, which may not be async', () => {
    const kept: JsonEdit[] = []
    assert.equal(Json.parse('{"a": 1.0}').edit((edit) => kept.push(edit)).text, '{"a": 1.0}')
    assert.throws(() => kept[0]?.set('a', 1), /The edit has ended/)
    const later = async (edit: JsonEdit): Promise<void> => {
      await Promise.resolve()
      assert.throws(() => edit.set('a', 1), /The edit has ended/)
    }
    assert.throws(() => Json.parse('{}').edit(later), /TypeError: edit: the function must not be async/)
    assert.throws(() => Json.parse('{}').edit((edit) => edit.set('a', NaN)), /value\.a: a number that is not/)
  })
})

describe('a difference', () => {
  for (const { name, old, new: next, changes, lines } of CASES.diffs) {
    test(name, () => {
      const [one, other] = [Json.parse(old), Json.parse(next)]
      const diff = one.diff(other)
      const written = diff.changes.map((change) => ({
        path: change.path,
        kind: change.kind,
        ...(change.old && { old: change.old.text }),
        ...(change.new && { new: change.new.text }),
      }))
      assert.deepEqual(written, changes)
      assert.equal(String(diff), lines.join('\n'))
      assert.deepEqual([...diff].map(String), lines)
      assert.equal(diff.isEmpty, lines.length === 0)
      assert(diff.apply(one).diff(other).isEmpty)
      assert(diff.reversed().apply(other).diff(one).isEmpty)
    })
  }

  test('takes plain values, and shows its changes to people', () => {
    const diff = new Json({ id: 12345678901234567890123n }).diff({ id: 12345678901234567890124n, a: null })
    assert(diff instanceof JsonDiff && diff.changes[0] instanceof JsonChange)
    assert.equal(String(diff), '~ id: 12345678901234567890123 -> 12345678901234567890124\n+ a: null')
    assert.throws(() => new Json({}).diff({ a: NaN }), /^TypeError: value\.a: a number that is not finite/)
    const deep = Json.parse('['.repeat(200) + ']'.repeat(200))
    assert.throws(() => deep.diff(1), /^TypeError: The text is not valid JSON: JSON nested deeper than 127/)
  })

  test('is not applied to a value that has changed since', () => {
    const undo = new Json({ to: 'A' }).diff({ to: 'B' }).reversed()
    assert.equal(undo.apply({ to: 'B', more: 1 }).text, '{"to":"A","more":1}')
    assert.throws(
      () => undo.apply({ to: 'C' }),
      /^Error: The changes do not fit this JSON\. to: the value is not/,
    )
  })

  test('leads from any value to any other and back', () => {
    const property = fc.property(fc.jsonValue(), fc.jsonValue(), fc.nat(2), (old, next, indent) => {
      const one = Json.parse(JSON.stringify(old, null, indent))
      const diff = one.diff(next as JsonInput)
      const applied = diff.apply(one)
      assert(applied.diff(next as JsonInput).isEmpty, applied.text)
      assert(
        diff
          .reversed()
          .apply(next as JsonInput)
          .diff(one).isEmpty,
      )
    })
    fc.assert(property)
  })
})
