// Lists the syncs, triggers one and follows its run to the end. Then sends many reads at once, within the rate limit.
//
//   HIGHTOUCH_API_KEY    the workspace's API key (the client reads this variable itself)
//   HIGHTOUCH_BASE_URL   the API's address, if it is not the default (the client reads this variable itself)
//   HIGHTOUCH_DEMO_CA    a PEM file of certificates to trust in addition to the system's
//
// The first argument is the slug of the sync to run. The default is `orders-to-salesforce`.

import Foundation
import HightouchSDK

let reads = 300
let slug = CommandLine.arguments.dropFirst().first ?? "orders-to-salesforce"
let environment = ProcessInfo.processInfo.environment

/// Writes without buffering. `print` would hold a progress line back until the next line break.
func say(_ text: String, terminator: String = "\n") {
    FileHandle.standardOutput.write(Data((text + terminator).utf8))
}

let ht = try Hightouch(configuration: Configuration(caBundle: environment["HIGHTOUCH_DEMO_CA"]))

say("# The syncs of the workspace, page by page")
var total = 0
for try await page in ht.syncs.list(limit: 100).pages {
    total += page.items.count
    say("page of \(page.items.count), \(total) so far")
}

say("\n# A run of \(slug)")
let run = try await ht.syncs.trigger(.slug(slug))
say("\(run)")
let live = isatty(STDOUT_FILENO) == 1
let result = try await run.wait(timeout: .seconds(300), onFailure: .return) { state in
    let line = "\(state.status) \(Int((state.completionRatio * 100).rounded())) %"
    say(live ? "\r\u{1B}[K\(line)" : line, terminator: live ? "" : "\n")
}
say(live ? "\n" : "", terminator: "")
say("ended as \(result.status): \(result.error ?? "no error")")
for (name, rows) in [
    ("planned", result.plannedRows), ("successful", result.successfulRows), ("failed", result.failedRows),
] {
    say("\(name) rows: \(rows.addedCount) added, \(rows.changedCount) changed, \(rows.removedCount) removed")
}

say("\n# The connection")
let diagnosis = try await ht.diagnose()
if let tls = diagnosis.tls {
    say("\(tls.protocol), \(tls.cipherSuite), key exchange \(tls.keyExchange)")
}
for finding in diagnosis.findings {
    say("\(finding.code): \(finding.message)")
}

say("\n# \(reads) reads at once")
let clock = ContinuousClock()
let took = try await clock.measure {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<reads {
            group.addTask { _ = try await ht.syncs.list(limit: 1).firstPage() }
        }
        try await group.waitForAll()
    }
}
let stats = try await ht.stats()
let (first, rest) = (stats.limit, reads - stats.limit)
say("\(String(format: "%.1f", took / .seconds(1))) s; the server refused \(stats.refused)")
say(
    """
    The ideal is 10 s: the client sends \(first) requests at once and the other \(rest) after 10 s. That would be safe
    if the server counted requests in a sliding window. The API does not document how it counts, so the client keeps
    within all usual ways of counting: it spreads the other \(rest) over the \(rest / 20) s that follow. Earlier
    requests count too.
    """)

try await ht.close()
