<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Notice;

use Magento\Framework\AuthorizationInterface;
use Magento\Framework\Escaper;
use Magento\Framework\Phrase;
use Magento\Framework\UrlInterface;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Outbox;

/**
 * The server could not take orders.
 */
class Parked extends Notice
{
    /**
     * @param Connection $connection
     * @param AuthorizationInterface $authorization
     * @param UrlInterface $url
     * @param Escaper $escaper
     * @param Outbox $outbox
     */
    public function __construct(
        Connection $connection,
        AuthorizationInterface $authorization,
        UrlInterface $url,
        Escaper $escaper,
        private readonly Outbox $outbox
    ) {
        parent::__construct($connection, $authorization, $url, $escaper);
    }

    /**
     * @inheritDoc
     */
    protected function holds(array $connections): bool
    {
        return $this->outbox->hasParked();
    }

    /**
     * @inheritDoc
     */
    protected function sentence(): Phrase
    {
        return __('the server refused orders. Each says why, and can be sent again.');
    }
}
