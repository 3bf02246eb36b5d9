// SPDX-License-Identifier: Apache-2.0

package worker

func childMain() {}
