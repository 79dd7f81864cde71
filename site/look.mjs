// Opens the built site in Chromium: `node look.mjs HTML PICTURES`. Every page must fit the width of a phone and of a
// desktop and must load without an error. The search must find things, and the tabs of languages must switch together.
// Takes pictures of some pages, light and dark.

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import path from 'node:path'

const [html, pictures] = process.argv.slice(2)
const { chromium } = createRequire(path.join(path.dirname(pictures), 'node/'))('playwright-core')
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } }
const SHOWN = ['index', 'runs', 'recipes', 'error-catalogue', 'settings']

const server = createServer((request, response) => {
  const file = path.join(html, new URL(request.url, 'http://site').pathname)
  if (!existsSync(file)) return response.writeHead(404).end()
  response.setHeader('Content-Type', TYPES[path.extname(file)] ?? 'application/octet-stream')
  response.end(readFileSync(file))
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const site = `http://127.0.0.1:${server.address().port}`
const pages = readdirSync(html, { recursive: true }).filter((file) => file.endsWith('.html') && !/^(reference|_static)\//.test(file))
assert(pages.length > 50)
mkdirSync(pictures, { recursive: true })

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
const faults = []
for (const colorScheme of ['light', 'dark']) {
  for (const [name, viewport] of Object.entries(SIZES)) {
    const context = await browser.newContext({ viewport, colorScheme, baseURL: site })
    const page = await context.newPage()
    page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.message}`))
    page.on('response', (response) => {
      // Ignores answers of other sites; the next handler reports requests to other sites.
      if (response.url().startsWith(site) && response.status() >= 400) faults.push(`${response.url()}: ${response.status()}`)
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(site)) faults.push(`${page.url()} loads ${request.url()}`)
    })
    for (const file of colorScheme === 'light' ? pages : SHOWN.map((shown) => `${shown}.html`)) {
      await page.goto(`/${file}`)
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      if (over > 0) faults.push(`${file} is ${over} px wider than a ${name}`)
      const shown = file.replace('.html', '')
      if (SHOWN.includes(shown)) await page.screenshot({ path: path.join(pictures, `${shown}-${name}-${colorScheme}.png`) })
    }
    await context.close()
  }
}

const page = await browser.newPage({ viewport: SIZES.desktop, baseURL: site })
for (const [word, found] of [['checkpoint', 'runs.html'], ['proxy', 'tls.html'], ['freezegun', undefined]]) {
  await page.goto(`/search.html?q=${word}`)
  await page.waitForFunction(() => /finished|did not match|found/i.test(document.querySelector('#search-results')?.textContent ?? ''))
  const links = await page.locator('#search-results a').evaluateAll((all) => all.map((link) => link.getAttribute('href')))
  const right = found ? links.some((link) => link.includes(found)) : links.length === 0
  if (!right) faults.push(`the search for ${word} finds ${links.join(', ')}`)
}
await page.goto('/search.html?q=checkpoint')
await page.waitForSelector('#search-results a')
await page.screenshot({ path: path.join(pictures, 'search-desktop-light.png') })
// A choice of a language must apply to all examples, also on the next page.
await page.goto('/index.html')
await page.getByText('Swift', { exact: true }).and(page.locator('label')).first().click()
await page.goto('/runs.html')
const chosen = await page.locator('.sd-tab-set input:checked + label').evaluateAll((all) => all.map((label) => label.textContent.trim()))
if (chosen.filter((label) => label === 'Swift').length < 3) faults.push(`after a choice of Swift, tabs show ${chosen.join(', ')}`)

await browser.close()
server.close()
for (const fault of faults) console.error(`site: ${fault}`)
console.log(`${pages.length} pages looked at, ${faults.length} faults`)
process.exitCode = faults.length ? 1 : 0
