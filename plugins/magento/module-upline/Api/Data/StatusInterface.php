<?php

declare(strict_types=1);

namespace Upline\Commission\Api\Data;

/**
 * How the module stands.
 *
 * @api
 */
interface StatusInterface
{
    /**
     * The installation's own id.
     *
     * @return string
     */
    public function getInstallId(): string;

    /**
     * The site as the server was told it.
     *
     * @return string
     */
    public function getSite(): string;

    /**
     * The store at Upline; empty where it is not connected.
     *
     * @return string
     */
    public function getStoreId(): string;

    /**
     * Version of the module.
     *
     * @return string
     */
    public function getModule(): string;

    /**
     * Version of Magento.
     *
     * @return string
     */
    public function getMagento(): string;

    /**
     * Version of PHP.
     *
     * @return string
     */
    public function getPhp(): string;

    /**
     * Whether orders are told.
     *
     * @return bool
     */
    public function isEnabled(): bool;

    /**
     * Whether a server is connected.
     *
     * @return bool
     */
    public function isConnected(): bool;

    /**
     * Why nothing is sent now, or empty.
     *
     * @return string
     */
    public function getHindrance(): string;

    /**
     * Rows of the outbox that wait.
     *
     * @return int
     */
    public function getWaiting(): int;

    /**
     * Rows that a person has to look at.
     *
     * @return int
     */
    public function getParked(): int;

    /**
     * Since when the oldest row waits, RFC 3339, or empty.
     *
     * @return string
     */
    public function getOldestUnsentAt(): string;

    /**
     * When an order was sent last, RFC 3339, or empty.
     *
     * @return string
     */
    public function getLastSent(): string;

    /**
     * What went wrong last, or empty.
     *
     * @return string
     */
    public function getLastError(): string;

    /**
     * When cron ran last, RFC 3339, or empty.
     *
     * @return string
     */
    public function getCronAt(): string;
}
