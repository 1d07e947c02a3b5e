/** The page's entry: connects to the extension and shows its state. */
import type {ChatProtocol} from "../../extension/protocol/webview/chat.js";
import "../shared/base.css";
import {connectHost} from "../shared/messaging.js";

const host = connectHost<ChatProtocol>();
host.tell("ready", {});
