// Without an argument, this program starts a run and prints the token of the run. With a token as its argument, the
// program waits until the run that the token names has ended. Another process or another language may have started that
// run.
//
//   HIGHTOUCH_API_KEY    the workspace's API key (the client reads this variable itself)
//   HIGHTOUCH_BASE_URL   the API's address, if it is not the default (the client reads this variable itself)
//   HIGHTOUCH_DEMO_CA    a PEM file of certificates to trust in addition to the system's

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
