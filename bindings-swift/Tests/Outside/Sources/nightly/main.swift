import HightouchSDK
import Job

print(try await nightly(Hightouch()))
