// The main job: look at the syncs, run one, follow that run to its end. Then many reads at once, none of them refused.
//
//   HIGHTOUCH_API_KEY    the workspace's key (the client reads it itself)
//   HIGHTOUCH_BASE_URL   where the API is, if not at its usual place (the client reads it itself)
//   HIGHTOUCH_DEMO_CA    a PEM file to trust beside the system's certificates
//
// The first argument is the slug of the sync to run, `orders-to-salesforce` without one.

import Foundation
import HightouchSDK

let reads = 300
let slug = CommandLine.arguments.dropFirst().first ?? "orders-to-salesforce"
let environment = ProcessInfo.processInfo.environment

/// Written at once: `print` keeps a line until it ends.
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
    Ideal: 10 s. \(first) leave at once and the other \(rest) when those are 10 s old, if the server is known to count
    in a sliding window and nothing was sent before. How this one counts is not documented, so the SDK keeps within every
    usual way of counting: the other \(rest) follow over the \(rest / 20) s after that, and what was sent before counts too.
    """)

try await ht.close()
