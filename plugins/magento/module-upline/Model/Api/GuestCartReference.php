<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Api;

use Magento\Quote\Model\MaskedQuoteIdToQuoteIdInterface;
use Upline\Commission\Api\CartReferenceInterface;
use Upline\Commission\Api\GuestCartReferenceInterface;

/**
 * @inheritDoc
 */
class GuestCartReference implements GuestCartReferenceInterface
{
    /**
     * @param CartReferenceInterface $carts
     * @param MaskedQuoteIdToQuoteIdInterface $masked
     */
    public function __construct(
        private readonly CartReferenceInterface $carts,
        private readonly MaskedQuoteIdToQuoteIdInterface $masked
    ) {
    }

    /**
     * @inheritDoc
     */
    public function set(string $cartId, string $reference): bool
    {
        return $this->carts->set($this->masked->execute($cartId), $reference);
    }
}
