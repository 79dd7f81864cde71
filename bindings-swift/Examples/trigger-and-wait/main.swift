import HightouchSDK
let ht = try Hightouch()
