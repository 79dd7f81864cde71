// Without an argument it starts a run and prints the token of the run. With a token as its argument it waits for that
// run to end; another process or language may have started it. It reads HIGHTOUCH_API_KEY, HIGHTOUCH_BASE_URL and
// HIGHTOUCH_DEMO_CA.

import Foundation
import HightouchSDK

let certificates = ProcessInfo.processInfo.environment["HIGHTOUCH_DEMO_CA"]
let ht = try Hightouch(configuration: Configuration(caBundle: certificates))
if let token = CommandLine.arguments.dropFirst().first {
    guard let run = try await ht.run(token).sync else { fatalError("The token does not belong to a run of a sync.") }
    let ended = try await run.wait()
    print("\(ended.id) \(ended.status)")
} else {
    print(try await ht.syncs.trigger("orders-to-salesforce").token)
}
