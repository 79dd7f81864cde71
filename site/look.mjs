// Opens the built site in Chromium: `node look.mjs HTML PICTURES [references]`. Every page must fit the width of a phone
// and of a desktop and must load without an error. The search must find things, and the tabs of languages must switch
// together. With `references`, the site must link a reference of each language, which must show the declarations of the
// client. Takes pictures of some pages, light and dark.

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import path from 'node:path'

const [html, pictures, references] = process.argv.slice(2)
const { chromium } = createRequire(path.join(path.dirname(pictures), 'node/'))('playwright-core')
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } }
const SHOWN = ['index', 'runs', 'recipes', 'error-catalogue', 'settings', 'reference']
// For each reference: the title of its start page, that page, the page of the client, to which the start page has a
// link, and what the page of the client must show.
const REFERENCES = {
  python: ['hightouch-sdk', 'index.html', 'clients.html', ['class Hightouch(', 'api_key_file: str', 'close()']],
  node: ['hightouch-sdk', 'index.html', 'classes/Hightouch.html', ['Class Hightouch', 'new Hightouch(', 'close(']],
  swift: [
    'HightouchSDK',
    'documentation/hightouchsdk/',
    'documentation/hightouchsdk/hightouch/',
    ['final class Hightouch', 'init(', 'func close()'],
  ],
  rust: [
    'hightouch_sdk',
    'hightouch_sdk/index.html',
    'hightouch_sdk/struct.Client.html',
    ['pub struct Client', 'pub fn new(', 'pub fn syncs('],
  ],
}

// Serves the site below a path, because a host of static pages may do so. The pages must not depend on their place.
const PLACE = '/some/place/'
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://site')
  const asked = path.join(html, pathname.slice(PLACE.length))
  const file = pathname.endsWith('/') ? path.join(asked, 'index.html') : asked
  if (!pathname.startsWith(PLACE) || !existsSync(file)) return response.writeHead(404).end()
  response.setHeader('Content-Type', TYPES[path.extname(file)] ?? 'application/octet-stream')
  response.end(readFileSync(file))
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const site = `http://127.0.0.1:${server.address().port}${PLACE}`
const pages = readdirSync(html, { recursive: true }).filter((file) => file.endsWith('.html') && !/^(reference|_static)\//.test(file))
assert(pages.length > 50)
mkdirSync(pictures, { recursive: true })

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
const faults = []
/** Opens a tab in which each error and each request to another site is a fault. */
async function tab(context) {
  const page = await context.newPage()
  page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.message}`))
  page.on('response', (response) => {
    // Ignores answers of other sites; the next handler reports requests to other sites.
    if (response.url().startsWith(site) && response.status() >= 400) faults.push(`${response.url()}: ${response.status()}`)
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(site)) faults.push(`${page.url()} loads ${request.url()}`)
  })
  return page
}
/** Notes a fault if the page is wider than its window. */
async function measure(page, name) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  if (over > 0) faults.push(`${page.url()} is ${over} px wider than a ${name}`)
}

for (const colorScheme of ['light', 'dark']) {
  for (const [name, viewport] of Object.entries(SIZES)) {
    const context = await browser.newContext({ viewport, colorScheme, baseURL: site })
    const common = await tab(context)
    for (const file of colorScheme === 'light' ? pages : SHOWN.map((shown) => `${shown}.html`)) {
      const shown = file.replace('.html', '')
      // The navigation keeps its place within a tab, so a picture shows a page as the first one of its tab.
      const page = SHOWN.includes(shown) ? await tab(context) : common
      await page.goto(file)
      await measure(page, name)
      if (page !== common) {
        await page.screenshot({ path: path.join(pictures, `${shown}-${name}-${colorScheme}.png`) })
        await page.close()
      }
    }
    await context.close()
  }
}

const page = await browser.newPage({ viewport: SIZES.desktop, baseURL: site })
for (const [word, found] of [['checkpoint', 'runs.html'], ['proxy', 'tls.html'], ['freezegun', undefined]]) {
  await page.goto(`search.html?q=${word}`)
  await page.waitForFunction(() => /finished|did not match|found/i.test(document.querySelector('#search-results')?.textContent ?? ''))
  const links = await page.locator('#search-results a').evaluateAll((all) => all.map((link) => link.getAttribute('href')))
  const right = found ? links.some((link) => link.includes(found)) : links.length === 0
  if (!right) faults.push(`the search for ${word} finds ${links.join(', ')}`)
}
await page.goto('search.html?q=checkpoint')
await page.waitForSelector('#search-results a')
await page.screenshot({ path: path.join(pictures, 'search-desktop-light.png') })
// A choice of a language must apply to all examples, also on the next page.
await page.goto('index.html')
await page.getByText('Swift', { exact: true }).and(page.locator('label')).first().click()
await page.goto('runs.html')
const chosen = await page.locator('.sd-tab-set input:checked + label').evaluateAll((all) => all.map((label) => label.textContent.trim()))
if (chosen.filter((label) => label === 'Swift').length < 3) faults.push(`after a choice of Swift, tabs show ${chosen.join(', ')}`)

let opened = 0
for (const [language, [title, start, inner, shows]] of Object.entries(references ? REFERENCES : {})) {
  for (const [name, viewport] of Object.entries(SIZES)) {
    const context = await browser.newContext({ viewport, baseURL: site })
    const page = await tab(context)
    await page.goto('reference.html')
    await page.locator(`a[href="reference/${language}/${start}"]`).click()
    for (const [file, texts] of [[start, [title]], [inner, shows]]) {
      const url = `${site}reference/${language}/${file}`
      if (file === inner) {
        // A server adds a slash at the end of an address, which the links of DocC do not have.
        const links = await page.locator('a').evaluateAll((all) => all.map((link) => link.href.replace(/#.*$/, '')))
        const leads = links.some((link) => link === url || `${link}/` === url)
        if (!leads) faults.push(`${page.url()} has no link to ${file}`)
        await page.goto(url)
      }
      // DocC draws its pages after they were loaded.
      const missing = async () => {
        const shown = await page.locator('body').innerText()
        return texts.filter((text) => !shown.includes(text))
      }
      for (let tries = 0; tries < 100 && (await missing()).length > 0; tries++) await page.waitForTimeout(100)
      for (const text of await missing()) faults.push(`${url} does not show ${text}`)
      await measure(page, name)
      const picture = `reference-${language}-${file === start ? 'start' : 'client'}-${name}.png`
      await page.screenshot({ path: path.join(pictures, picture) })
      opened += 1
    }
    await context.close()
  }
}

await browser.close()
server.close()
for (const fault of faults) console.error(`site: ${fault}`)
console.log(`${pages.length} pages and ${opened} views of references looked at, ${faults.length} faults`)
process.exitCode = faults.length ? 1 : 0
