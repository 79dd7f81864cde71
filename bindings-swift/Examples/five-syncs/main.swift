import Foundation
import HightouchSDK

let ht = try Hightouch()
do {
    let batch = try await ht.syncs.runMany(["orders-to-salesforce", 2, 3, 4, 5])
    try await batch.wait(timeout: .seconds(3600))
} catch let error as HightouchError where error.kind == .runFailed {
    print(error.message)
    exit(1)
}
