// Opens reports in Chromium: `node look-report.mjs PICTURES FILE...`. Opens each report at the width of a phone and of
// a desktop, light and dark, and takes a picture. Prints the findings as a JSON array.

import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [pictures, ...files] = process.argv.slice(2)
const { chromium } = createRequire(path.join(path.dirname(pictures), 'node/'))('playwright-core')
const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } }
mkdirSync(pictures, { recursive: true })

/**
 * Runs in the page. Returns each visible text and each visible mark of a status, with its contrast to the background,
 * and the least contrast that WCAG 2.2 requires.
 */
function textsOf() {
  const channels = (colour) => {
    const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g).map(Number)
    return { rgb: [red, green, blue], alpha }
  }
  const over = (top, bottom) => top.rgb.map((value, at) => value * top.alpha + bottom[at] * (1 - top.alpha))
  const light = (rgb) => {
    const [red, green, blue] = rgb.map((value) =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const backgroundOf = (element) => {
    const layers = []
    for (let at = element; at; at = at.parentElement) layers.unshift(channels(getComputedStyle(at).backgroundColor))
    const canvas = matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255]
    return layers.reduce((below, layer) => over(layer, below), canvas)
  }
  const texts = []
  const add = (text, colour, element, least) => {
    const background = backgroundOf(element)
    const [dark, bright] = [light(background), light(over(channels(colour), background))].sort((a, b) => a - b)
    texts.push({ text: text.trim().slice(0, 60), contrast: (bright + 0.05) / (dark + 0.05), least })
  }
  for (const details of document.querySelectorAll('details')) details.open = true
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const { data, parentElement: element } = walker.currentNode
    if (data.trim() === '' || !element.checkVisibility() || element.closest('.hidden')) continue
    const style = getComputedStyle(element)
    add(data, element.closest('svg') ? style.fill : style.color, element, 4.5)
  }
  for (const element of document.querySelectorAll('body *')) {
    const { content, color } = getComputedStyle(element, '::before')
    if (content !== 'none' && content !== 'normal' && /^"[^"]/.test(content)) add(content, color, element, 3)
  }
  return texts
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
const looks = []
for (const file of files) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ viewport, colorScheme })
      const errors = []
      page.on('pageerror', (error) => errors.push(error.message))
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text())
      })
      page.on('request', (request) => {
        if (request.url() !== pathToFileURL(file).href) errors.push(`loads ${request.url()}`)
      })
      await page.goto(pathToFileURL(file).href)
      const name = path.basename(file, '.html')
      const texts = await page.evaluate(textsOf)
      const { over, tables } = await page.evaluate(() => ({
        over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        // A table that is wider than the page must scroll within its own box. Counts the tables that do not scroll.
        tables: [...document.querySelectorAll('table')].filter((table) => {
          const box = table.closest('.scroll')
          return table.scrollWidth > table.parentElement.clientWidth && getComputedStyle(box ?? table).overflowX !== 'auto'
        }).length,
      }))
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      await page.screenshot({ path: path.join(pictures, `${name}-${size}-${colorScheme}.png`) })
      looks.push({ name, size, colorScheme, errors, over, tables, ground, texts })
      await page.close()
    }
  }
}
await browser.close()
console.log(JSON.stringify(looks))
