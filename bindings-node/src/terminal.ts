/** Lines of text on a terminal that change in place. */

import { stripVTControlCharacters } from 'node:util'

/** The stream of a terminal, such as `process.stderr`. */
export interface Terminal {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  write(text: string, written?: () => void): boolean
  on(event: 'error', listener: () => void): unknown
  removeListener(event: 'error', listener: () => void): unknown
}

/** Milliseconds after which the lines are written again, so that the times in the lines advance. */
const TICK_MS = 1000

/** A line that changes in place, with the time since it was added. */
export interface Line {
  /** Shows a text in place of the previous text. */
  show(text: string): void
  /** Ends the line: its text stays, above the lines that still change. */
  end(): void
  /** Removes the line. */
  remove(): void
}

interface Shown {
  text: string
  since: number
}

/**
 * The lines of one terminal. After each write, the cursor is at the start of the row below the lines, and no mode of
 * the terminal is changed. So the terminal stays usable even if the process is killed.
 */
export class LiveLines {
  readonly #terminal: Terminal
  readonly #lines = new Set<Shown>()
  /** How many lines were written last, and must be erased before the next write. */
  #drawn = 0
  /** How many writes have not ended. */
  #writing = 0
  #timer: NodeJS.Timeout | undefined

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** Whether lines can change in place on this terminal. */
  static canShow({ isTTY }: Terminal): boolean {
    return isTTY === true && process.env.TERM !== 'dumb'
  }

  /** Adds a line below the other lines. The line shows the time since this call. */
  add(): Line {
    const line = { text: '', since: performance.now() }
    this.#lines.add(line)
    this.#timer ??= setInterval(() => {
      this.#draw()
    }, TICK_MS).unref()
    return {
      show: (text) => {
        line.text = text
        this.#draw()
      },
      end: () => {
        this.#remove(line)
        this.#draw(line.text === '' ? [] : [this.#timed(line)])
      },
      remove: () => {
        this.#remove(line)
        this.#draw()
      },
    }
  }

  /** Prints a line that does not change, above the lines that change. */
  print(text: string): void {
    this.#draw([text])
  }

  #remove(line: Shown): void {
    this.#lines.delete(line)
    if (this.#lines.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /**
   * Writes the changing lines again, in place. The texts in `above` become lines that stay above the changing lines.
   */
  #draw(above: readonly string[] = []): void {
    const columns = sizeOr(80, this.#terminal.columns)
    const rows = sizeOr(24, this.#terminal.rows)
    const lines = [...this.#lines].filter(({ text }) => text !== '').map((line) => this.#timed(line))
    // A line that has scrolled off the top of the terminal can no longer be changed.
    const most = Math.max(1, rows - 2)
    if (lines.length > most) {
      const hidden = lines.length - most + 1
      lines.splice(most - 1, hidden, `and ${String(hidden)} more`)
    }
    const up = this.#drawn > 0 ? `\x1b[${String(this.#drawn)}A\x1b[J` : ''
    const whole = above.map((text) => `${printable(text)}\n`)
    const cut = lines.map((text) => `${shortened(printable(text), columns - 1)}\n`)
    this.#drawn = lines.length
    this.#write(up + whole.join('') + cut.join(''))
  }

  #timed({ text, since }: Shown): string {
    return `${time(performance.now() - since)}  ${text}`
  }

  /** Writes a text. Errors are ignored, because a terminal that has been closed must not end the process. */
  #write(text: string): void {
    if (text === '') return
    // All writes share one listener, because Node.js warns of a leak if there are more than ten listeners.
    if (this.#writing === 0) this.#terminal.on('error', ignore)
    this.#writing += 1
    this.#terminal.write(text, () => {
      this.#writing -= 1
      if (this.#writing === 0) this.#terminal.removeListener('error', ignore)
    })
  }
}

/** Returns `usual` in place of 0, which some terminals report if they do not know their size. */
function sizeOr(usual: number, size = 0): number {
  return size > 0 ? size : usual
}

const ignore = (): void => undefined

// The two patterns are strings and not literals of regular expressions: for such a literal, V8 reads the Unicode tables
// as soon as this file is loaded.

const CONTROLS = String.raw`[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+`

/** Characters that take two columns. */
const WIDE = String.raw`[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}`

/** Removes control sequences and control characters, because names and error messages come from other people. */
function printable(text: string): string {
  return stripVTControlCharacters(text).replace(new RegExp(CONTROLS, 'gu'), ' ')
}

/** Cuts a text to a number of columns. A longer text would wrap, and only one of its two lines would be erased. */
function shortened(text: string, columns: number): string {
  const wide = new RegExp(WIDE, 'u')
  let width = 0
  let kept = ''
  for (const character of text) {
    width += wide.test(character) ? 2 : 1
    if (width > columns) return `${Array.from(kept).slice(0, -1).join('')}…`
    kept += character
  }
  return text
}

/** Formats milliseconds as `0:05`, `12:00` or `1:00:00`. */
function time(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  const two = (number: number): string => String(number).padStart(2, '0')
  return `${hours > 0 ? `${String(hours)}:${two(minutes)}` : String(minutes)}:${two(seconds % 60)}`
}
