//! Meta's own Python SDK, with another base URL and one of our keys as its token.

use anyhow::ensure;
use e2e::Shop;
use stack::{Stack, Workspace};

#[tokio::test]
async fn the_official_python_sdk_delivers_a_hundred_events() -> anyhow::Result<()> {
    let shop = Shop::open(&*Stack::shared().await?).await?;
    let workspace = Workspace::locate()?;
    let python = workspace.python_tool("sdk", "python")?;
    let script = workspace.root().join("tests/graph-sim/tests/official_sdk.py");
    let output = tokio::process::Command::new(python)
        .arg(script)
        .args(["--base-url", shop.api.base(), "--version", "v26.0", "--pixel", &shop.pixel])
        .args(["--token", &shop.key, "--count", "100"])
        .output()
        .await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    shop.meta_holds(100, 120).await
}
