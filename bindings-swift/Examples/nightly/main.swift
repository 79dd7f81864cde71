import Foundation
import HightouchSDK

let ht = try Hightouch()
let nightly = Task { try await ht.syncs.runMany(["orders-to-salesforce", 7, 8]).wait() }
let ends = [SIGTERM, SIGINT].map { number in
    signal(number, SIG_IGN)  // turns off the default action; the source below gets the signal
    let source = DispatchSource.makeSignalSource(signal: number)
    source.setEventHandler { nightly.cancel() }
    source.resume()
    return source
}
do {
    print("\(try await nightly.value.count) syncs have ended")
} catch let error as HightouchError where error.kind == .cancelled {
    for item in error.items { print("run \(item.runId ?? 0) of sync \(item.sync) goes on:", item.runToken ?? "") }
    exit(143)
} catch is CancellationError {
    exit(143)  // no run goes on
}
