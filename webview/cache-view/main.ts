/** The page's entry: connects to the extension and shows its state. */
import type {CacheViewProtocol} from "../../extension/protocol/webview/cache-view.js";
import "../shared/base.css";
import {connectHost} from "../shared/messaging.js";

const host = connectHost<CacheViewProtocol>();
host.tell("ready", {});
